/** The progress of steps by number, in pieces: of a long workflow only the piece that is written to is copied. */
import { type StepProgress, type Transaction, untouched } from './transaction.ts'

/** `pieces[3][5]` is of step 53. */
export type Pieces = readonly (readonly StepProgress[])[]

const bits = 4
const size = 1 << bits
const mask = size - 1

const blank: readonly StepProgress[] = Object.freeze(new Array<StepProgress>(size).fill(untouched))

export function noSteps(count: number): Pieces {
  return new Array<readonly StepProgress[]>((count + mask) >> bits).fill(blank)
}

export function progressIn(pieces: Pieces, at: number): StepProgress {
  return pieces[at >> bits]?.[at & mask] ?? untouched
}

export function progressOf({ steps }: Transaction, no: number): StepProgress {
  return progressIn(steps, no)
}

export function areUntouched(pieces: Pieces): boolean {
  return pieces.every((piece) => piece === blank || piece.every((progress) => progress === untouched))
}

/** Steps that are written to: each piece is copied once. */
export class OwnSteps {
  readonly pieces: (readonly StepProgress[])[]
  readonly #given: Pieces

  constructor(given: Pieces) {
    this.#given = given
    this.pieces = given.slice()
  }

  set(at: number, progress: StepProgress): void {
    const no = at >> bits
    while (this.pieces.length <= no) this.pieces.push(blank)
    if (this.pieces[no] === (this.#given[no] ?? blank)) {
      this.pieces[no] = (this.pieces[no] as readonly StepProgress[]).slice()
    }
    ;(this.pieces[no] as StepProgress[])[at & mask] = progress
  }
}
