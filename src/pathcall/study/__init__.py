"""What the user wrote, checked: config, sample sheet, contrasts, design formulas, the plan."""
