/** Aligned columns that fit the terminal: the last one gives way. */

export interface Column<Row> {
  readonly title: string
  text(row: Row): string
  /** Colours the cell once it has its width. */
  paint?(row: Row, cell: string): string
}

/** Lines of the table; `widthMax` null is without limit, as in a pipe. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], widthMax: number | null): string[] {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.text(row))))
  const widths = columns.map(({ title }, at) => Math.max(title.length, ...cells.map((line) => line[at]?.length ?? 0)))
  const last = columns.length - 1
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + gap.length, 0)
  const room = widthMax === null ? Number.POSITIVE_INFINITY : Math.max(widthMax - before, lastCharsMin)
  const fit = (text: string, at: number) => (at === last ? shorten(text, room) : text.padEnd(widths[at] ?? 0))
  const head = columns.map(({ title }, at) => fit(title, at)).join(gap)
  const body = rows.map((row, line) =>
    columns.map(({ paint }, at) => painted(fit(cells[line]?.[at] ?? '', at), row, paint)).join(gap),
  )
  return [head, ...body].map((line) => line.trimEnd())
}

export function terminalWidth(to: NodeJS.WriteStream): number | null {
  return to.isTTY ? to.columns || 80 : null
}

export function shorten(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, Math.max(charsMax - 1, 0))}…`
}

const gap = '  '
const lastCharsMin = 10

function painted<Row>(cell: string, row: Row, paint: Column<Row>['paint']): string {
  return paint ? paint(row, cell) : cell
}

/** What comes from events may hold anything, and must not steer the terminal. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
}
