/** Bytes that were something and are not any more: cut, turned, doubled, dropped, swapped. For property tests. */
import { fc } from './fuzz.ts'

/** Of the bytes so far; places are shares of their length. */
export type Change = readonly ['cut' | 'turn' | 'put' | 'double' | 'drop' | 'swap', number, number, number]

const share = fc.double({ min: 0, max: 0.999, noNaN: true })

const change: fc.Arbitrary<Change> = fc.tuple(
  fc.constantFrom('cut' as const, 'turn' as const, 'put' as const, 'double' as const, 'drop' as const, 'swap' as const),
  share,
  share,
  fc.integer({ min: 0, max: 255 }),
)

export function changes(min: number, max: number): fc.Arbitrary<readonly Change[]> {
  return fc.array(change, { minLength: min, maxLength: max })
}

export function mutated(bytes: Buffer, all: readonly Change[]): Buffer {
  return all.reduce(changed, bytes)
}

function changed(bytes: Buffer, [kind, one, two, byte]: Change): Buffer {
  const from = Math.floor(Math.min(one, two) * bytes.length)
  const to = Math.floor(Math.max(one, two) * bytes.length)
  const [before, middle, after] = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)]
  switch (kind) {
    case 'cut':
      return before
    case 'turn':
      return Buffer.concat([before, Buffer.from([byte]), bytes.subarray(from + 1)])
    case 'put':
      return Buffer.concat([before, Buffer.from([byte]), bytes.subarray(from)])
    case 'double':
      return Buffer.concat([before, middle, middle, after])
    case 'drop':
      return Buffer.concat([before, after])
    case 'swap':
      return Buffer.concat([middle, before, after])
  }
}
