/** A transaction's story as lines: what it is, how its steps stand, then what happened when, and what is owed. */
import type { Story } from '../../ledger/read/story.ts'
import type { Paint } from '../paint.ts'
import { planOf } from '../plan-of.ts'
import { shorten } from '../table.ts'
import { head } from './head.ts'
import { Items } from './items.ts'
import { owedLines } from './owed.ts'
import { timeline } from './timeline.ts'
import { treeLines } from './tree.ts'

export function storyLines(whole: Story, paint: Paint, widthMax: number | null): string[] {
  const story = reached(whole)
  const plan = planOf(story)
  const items = new Items(story.steps, plan)
  const parts = [
    head(story, paint),
    plan === null ? [] : treeLines(story, plan, items, paint),
    timeline(story, plan, items, paint),
    owedLines(story, paint),
  ]
  const lines = parts.filter((part) => part.length > 0).flatMap((part, at) => (at === 0 ? part : ['', ...part]))
  return widthMax === null ? lines : lines.map((line) => fit(line, widthMax))
}

/** Once it is decided to undo it, nothing begins any more. */
function reached(story: Story): Story {
  if (story.state !== 'compensating') return story
  const isReached = ({ state, attempts }: Story['steps'][number]) => attempts > 0 || !notBegun.includes(state)
  return { ...story, steps: story.steps.filter(isReached) }
}

const notBegun = ['pending', 'running']

/** Colour codes take no room; a line that is too long anyway is cut without them. */
function fit(line: string, widthMax: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins a colour code
  const plain = line.replace(/\u001b\[\d+m/g, '')
  return plain.length <= widthMax ? line : shorten(plain, widthMax)
}
