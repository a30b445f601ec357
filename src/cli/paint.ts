/** Colours, where a terminal shows them and nobody has asked for none (https://no-color.org). */

export function hasColours(to: NodeJS.WriteStream): boolean {
  return to.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
}

export type Colour = keyof typeof codes
export type Paint = (colour: Colour, text: string) => string

export function paintFor(to: NodeJS.WriteStream): Paint {
  if (!hasColours(to)) return (_, text) => text
  return (colour, text) => `\u001b[${codes[colour]}m${text}\u001b[0m`
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const
