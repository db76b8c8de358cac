"""CI/CD Lab: a training lab for AWS CI/CD. A notebook says `from labsupport import lab`."""
