/** What surrounds an expression, where no file is around it. */
import type { Names, Standing } from '../../src/workflow/expression/names.ts'

interface Given {
  readonly settled: readonly string[]
  readonly later: readonly string[]
  readonly self: string | null
  readonly nothingSettled: string
  readonly others?: readonly string[]
}

export function namesOf({ settled, later, self, nothingSettled, others = [] }: Given): Names {
  const standing = (id: string): Standing => {
    if (settled.includes(id)) return { is: 'settled' }
    if (id === self) return { is: 'self' }
    return { is: later.includes(id) ? 'later' : 'unknown' }
  }
  return { standing, settled: () => settled, self, nothingSettled, others, auth: 'somebody' }
}
