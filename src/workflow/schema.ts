/** The JSON Schema of a workflow file, for completion and hints in editors. Checked in as `workflow.schema.json`. */
import { z } from 'zod'
import { workflowModel } from './model/workflow.ts'

export function workflowSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(workflowModel, { io: 'input', target: 'draft-7' })
  return { ...schema, title: 'Millrace workflow' }
}

/** The text of the checked-in file. */
export function workflowSchemaText(): string {
  return `${JSON.stringify(workflowSchema(), null, 2)}\n`
}
