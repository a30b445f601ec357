/** Columns that stand under each other. */
export type Align = 'left' | 'right'

/** One line for each row, without trailing spaces; columns are two spaces apart. */
export function table(rows: readonly (readonly string[])[], align: readonly Align[]): string[] {
  const widths = align.map((_, column) => Math.max(0, ...rows.map((row) => widthOf(row[column] ?? ''))))
  const cell = (text: string, column: number) => padded(text, widths[column] ?? 0, align[column] ?? 'left')
  return rows.map((row) => row.map(cell).join('  ').trimEnd())
}

function padded(text: string, width: number, align: Align): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'left' ? text + space : space + text
}

/** Letters as people count them: accents that combine count with what they stand on. */
function widthOf(text: string): number {
  return [...text.normalize('NFC')].length
}
