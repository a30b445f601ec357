/** Writes `workflow.schema.json` at the root of the repository from the model. Run from `dist/scripts/` after a build. */
import { writeFileSync } from 'node:fs'
import { workflowSchemaText } from '../src/workflow/schema.ts'

writeFileSync(new URL('../../workflow.schema.json', import.meta.url), workflowSchemaText())
