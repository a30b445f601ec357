/**
 * All cases run in one engine on one Kafka, so each has names of its own: `main` of case `sleep` is the workflow `sleep--main`,
 * its topic `events` is `<run>.sleep.events`. Cases say only the short names.
 */
import { isMap, isPair, isScalar, type Node, type Pair, parseDocument, type Scalar, visit } from 'yaml'

export interface Names {
  workflow(name: string): string
  topic(name: string): string
  /** The short name of a topic of this case. */
  topicOf(name: string): string
  workflowOf(name: string): string
  isOurs(workflow: string): boolean
}

export function namesOf(run: string, caseName: string): Names {
  const topics = `${run}.${caseName}.`
  const workflows = `${caseName}--`
  return {
    workflow: (name) => workflows + name,
    topic: (name) => topics + name,
    topicOf: (name) => (name.startsWith(topics) ? name.slice(topics.length) : name),
    workflowOf: (name) => (name.startsWith(workflows) ? name.slice(workflows.length) : name),
    isOurs: (workflow) => workflow.startsWith(workflows),
  }
}

/** The text of a workflow file with its long names, and the long names of its topics. */
export function qualified(text: string, names: Names): { readonly text: string; readonly topics: readonly string[] } {
  const changes: { from: number; to: number; text: string }[] = []
  const topics: string[] = []
  const document = parseDocument(text)
  const change = (node: unknown, to: (name: string) => string) => {
    if (!isScalar(node) || typeof node.value !== 'string' || node.value.includes('{')) return
    const [from, end] = node.range as [number, number, number]
    const name = to(node.value)
    changes.push({ from, to: end, text: name })
    if (to === names.topic) topics.push(name)
  }
  visit(document, {
    Pair: (_, pair, path) => {
      const key = keyOf(pair)
      const isTop = path.length === 2
      if (key === 'topic' || key === 'kafka') change(pair.value, names.topic)
      else if ((key === 'name' && isTop) || key === 'call') change(pair.value, names.workflow)
      else if (key === 'signals' && isTop && isMap(pair.value)) {
        for (const each of pair.value.items) change(each.key, names.topic)
      }
    },
  })
  const ordered = changes.sort((a, b) => b.from - a.from)
  return { text: ordered.reduce((whole, each) => spliced(whole, each), text), topics: [...new Set(topics)] }
}

function keyOf(pair: Pair): unknown {
  return isPair(pair) && isScalar(pair.key as Node) ? (pair.key as Scalar).value : undefined
}

function spliced(whole: string, { from, to, text }: { from: number; to: number; text: string }): string {
  return whole.slice(0, from) + text + whole.slice(to)
}
