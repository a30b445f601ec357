/** Holds a value against a function's schema, and says what does not fit so that a person can mend it. */
import type { FunctionDefinition } from '../../function/define.ts'

type Schema = FunctionDefinition['input']
export type Checked = { readonly value: unknown } | { readonly problem: string }

/** Of many mismatches the first tell enough. */
const issuesMax = 5

/** Without an await in the common case: most schemas are synchronous. */
export function check(schema: Schema, value: unknown): Checked | Promise<Checked> {
  if (schema === undefined) return { value }
  try {
    return judged(schema.safeParse(value))
  } catch (error) {
    if ((error as Error).constructor.name !== '$ZodAsyncError') throw error
    return schema.safeParseAsync(value).then(judged)
  }
}

function judged(parsed: ReturnType<NonNullable<Schema>['safeParse']>): Checked {
  if (parsed.success) return { value: parsed.data }
  const { issues } = parsed.error
  const said = issues.slice(0, issuesMax).map((issue) => `${pathOf(issue.path)}${issue.message}`)
  const more = issues.length > issuesMax ? [`and ${issues.length - issuesMax} more`] : []
  return { problem: [...said, ...more].join('; ') }
}

/** `items[2].price: `, or nothing for the value itself. */
function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  return text === '' ? '' : `${text.replace(/^\./, '')}: `
}
