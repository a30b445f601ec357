/** Writes `docs/configuration.md` from the table of settings. Run from `dist/scripts/` after a build. */
import { writeFileSync } from 'node:fs'
import { configurationText } from '../src/cli/configuration-text.ts'

writeFileSync(new URL('../../docs/configuration.md', import.meta.url), configurationText())
