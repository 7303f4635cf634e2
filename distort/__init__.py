"""From pristine photos to the graded set: reading, distorting, the manifest, contact sheets."""
