/** The secret fields of a workflow: each place is said once. */
import { overlap } from '../../envelope/secret-path.ts'
import type { Path } from '../places.ts'
import { finding, shorten } from '../problem.ts'
import { valueAt } from '../shape/at.ts'
import { addAtKey, type Checking } from './fields.ts'
import { secretPaths } from './outline.ts'

export function checkClassify(checking: Checking): void {
  checkOverlaps(checking, ['classify'])
  const topics = valueAt(checking.file, ['signals'])
  for (const topic of Object.keys((topics ?? {}) as object)) checkOverlaps(checking, ['signals', topic, 'classify'])
}

function checkOverlaps(checking: Checking, classify: Path): void {
  const paths = secretPaths(checking.file, classify)
  for (const [at, path] of paths.entries()) {
    const before = paths.slice(0, at).find((each) => overlap(each, path))
    if (!before) continue
    const message = `${shorten(path.text)} and ${shorten(before.text)} are one place, or one inside of the other`
    const found = finding(
      'secret_twice',
      message,
      'each place once, by the path that holds the most',
      'remove one of them',
    )
    addAtKey(checking, [...classify, path.text], found)
  }
}
