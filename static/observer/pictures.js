// Pictures on plain pages: shown on whole device pixels, nothing scaled.

import { showAll } from "./canvas.js";

await showAll();
