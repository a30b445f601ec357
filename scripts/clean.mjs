// Removes what the last build wrote, so that a deleted source leaves no ghost behind.
import { rmSync } from 'node:fs'

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
