/** "Did you mean": the known name that a mistyped one is closest to. */
export function nearest(name: string, known: Iterable<string>): string | null {
  const wanted = name.slice(0, charsMax).toLowerCase()
  let best: string | null = null
  let bestDistance = Math.floor(wanted.length / 3) + 1
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.slice(0, charsMax).toLowerCase(), bestDistance)
    if (distance > bestDistance || (distance === bestDistance && best !== null)) continue
    best = candidate
    bestDistance = distance
  }
  return best
}

/** `did you mean "x"?`, or what to say when nothing is near. */
export function didYouMean(name: string, known: Iterable<string>, otherwise: string): string {
  const near = nearest(name, known)
  return near === null ? otherwise : `did you mean "${near}"?`
}

/** Longer names are compared by their beginning: the cost grows with the product of both lengths. */
const charsMax = 64

/** Insertions, deletions, changes and swaps of neighbours; anything above `max` answers `max + 1`. */
function editDistance(a: string, b: string, max: number): number {
  if (Math.abs(a.length - b.length) > max) return max + 1
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next.push(cheapest(a, b, i, j, next, row, before))
    if (Math.min(...next) > max) return max + 1
    before = row
    row = next
  }
  return Math.min(row[b.length]!, max + 1)
}

function cheapest(a: string, b: string, i: number, j: number, left: number[], up: number[], up2: number[]): number {
  const change = up[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
  const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
  return Math.min(change, up[j]! + 1, left[j - 1]! + 1, swapped ? up2[j - 2]! + 1 : change)
}
