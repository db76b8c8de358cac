"""The chapters, a package each: `labsupport.course.chapters.start` holds the chapter `start`."""
