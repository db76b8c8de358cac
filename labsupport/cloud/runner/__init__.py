"""Where commands run: one interface (`spec`), two bodies (`bodies`): processes now, Docker later."""
