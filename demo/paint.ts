/** Colour for terminals alone, and for nobody who has said NO_COLOR (https://no-color.org). */
export interface Paint {
  title(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
}

export function paintFor(stream: { isTTY?: boolean | undefined }, env: NodeJS.ProcessEnv): Paint {
  const plain = !stream.isTTY || Boolean(env.NO_COLOR) || env.TERM === 'dumb'
  const wrap = (code: number, end: number) => (text: string) => (plain ? text : `\u001b[${code}m${text}\u001b[${end}m`)
  return { title: wrap(1, 22), dim: wrap(2, 22), good: wrap(32, 39), bad: wrap(31, 39) }
}
