/**
 * What ties the workflows of a folder together: which one starts another, by `call`, and what is secret in a topic's events.
 * Looked at when all of them are read.
 */

import { isWithin, type SecretPath } from '../envelope/secret-path.ts'
import type { Meaning } from './meaning/check.ts'
import { type Outline, secretPaths } from './meaning/outline.ts'
import { namePattern } from './model/fields.ts'
import { didYouMean } from './nearest.ts'
import type { Path } from './places.ts'
import { type Finding, finding, type Problem } from './problem.ts'
import { classifyOf, type Taken, unclassified } from './secret-topics.ts'
import { labelOf, valueAt } from './shape/at.ts'

/** What a file says of others, also one with mistakes. */
export interface Links {
  readonly name: string | null
  /** Something besides a call starts it. */
  readonly isStarted: boolean
  readonly calls: readonly Call[]
  /** The topics whose events it takes, to be started or because it waits for them. */
  readonly takes: readonly Taken[]
  readonly secrets: readonly SecretPath[]
}

export interface Call extends Spot {
  readonly workflow: string
  /** Where secret fields stand in what it is given. */
  readonly given: readonly SecretPath[]
}

/** From 1. */
interface Spot {
  readonly line: number
  readonly column: number
}

type PlaceOf = (path: Path) => Spot

export const noLinks: Links = { name: null, isStarted: true, calls: [], takes: [], secrets: [] }

export function linksOf(file: unknown, { outline, templates }: Meaning, placeOf: PlaceOf): Links {
  const name = valueAt(file, ['name'])
  const calls = outline.steps.flatMap(({ path, kinds }) => {
    const workflow = kinds.includes('call') ? valueAt(file, [...path, 'call']) : null
    const isName = typeof workflow === 'string' && namePattern.test(workflow)
    const given = templates.get(labelOf([...path, 'with']))?.secretsAt ?? []
    return isName ? [{ workflow, given, ...placeOf([...path, 'call']) }] : []
  })
  const isStarted = valueAt(file, ['on']) !== undefined
  const takes = takesOf(file, outline, placeOf)
  return { name: typeof name === 'string' ? name : null, isStarted, calls, takes, secrets: outline.secrets.event }
}

function takesOf(file: unknown, outline: Outline, placeOf: PlaceOf): Taken[] {
  const started = startsOf(file).map(({ topic, path }) => ({ topic, path, classify: ['classify'], label: 'classify' }))
  const waits = outline.steps.flatMap((step) => {
    const path = [...step.path, 'wait', 'topic']
    const topic = valueAt(file, path)
    if (typeof topic !== 'string') return []
    return [{ topic, path, classify: ['signals', topic, 'classify'], label: `signals: { ${topic}: { classify` }]
  })
  return [...started, ...waits].map(({ topic, path, classify, label }) => {
    return { topic, secrets: secretPaths(file, classify), label, ...placeOf(path) }
  })
}

/** Where the topics stand whose records start it. */
function startsOf(file: unknown): { readonly topic: string; readonly path: Path }[] {
  const whole: Path = ['on', 'kafka']
  const kafka: Path = typeof valueAt(file, whole) === 'string' ? whole : [...whole, 'topic']
  const http: Path = ['on', 'http']
  const own: Path = valueAt(file, [...http, 'topic']) === undefined ? http : [...http, 'topic']
  const topicOf = (path: Path) =>
    path === http && valueAt(file, http) ? `http.${valueAt(file, ['name'])}` : valueAt(file, path)
  return [kafka, own].flatMap((path) => {
    const topic = topicOf(path)
    return typeof topic === 'string' ? [{ topic, path }] : []
  })
}

export interface Linked {
  readonly file: string
  readonly links: Links
}

/** Calls of what is not there, calls in a ring, and workflows that nothing starts. */
export function linkProblems(all: readonly Linked[]): Problem[] {
  const byName = new Map<string, Linked>()
  for (const each of all)
    if (each.links.name !== null && !byName.has(each.links.name)) byName.set(each.links.name, each)
  const secretTopics = all.flatMap(({ file, links }) =>
    links.takes.map((taken) => ({ ...taken, file, by: links.name })),
  )
  const called = new Set(all.flatMap(({ links }) => links.calls.map((call) => call.workflow)))
  return all.flatMap((each) => [
    ...unstarted(each, called),
    ...unclassified(each.file, secretTopics),
    ...each.links.calls.flatMap((call) => wrong(each, call, byName)),
  ])
}

function unstarted({ file, links: { name, isStarted } }: Linked, called: ReadonlySet<string>): Problem[] {
  if (isStarted || name === null || called.has(name)) return []
  const message = `nothing starts "${name}": it has no "on", and no workflow of the folder calls it`
  const found = finding('never_started', message, '"on", or a step with call elsewhere', 'add "on:", or call it')
  return [{ file, line: 1, column: 1, ...found }]
}

function wrong({ file, links }: Linked, call: Call, byName: ReadonlyMap<string, Linked>): Problem[] {
  const { workflow, line, column } = call
  const ring = byName.has(workflow) ? ringFrom(links.name, workflow, byName) : null
  const called = byName.get(workflow)
  const found = called ? (ring ? inRing(ring) : openTo(call, called.links)) : unknown(workflow, byName)
  return found ? [{ file, line, column, ...found }] : []
}

function unknown(workflow: string, byName: ReadonlyMap<string, Linked>): Finding {
  const message = `there is no workflow "${workflow}"`
  const fix = didYouMean(workflow, byName.keys(), 'add its file to the folder')
  return finding('unknown_workflow', message, 'the name of a workflow of the folder', fix)
}

/** What it is given is secret, and it would keep it in plain. */
function openTo({ workflow, given }: Call, { secrets }: Links): Finding | null {
  const open = given.filter((path) => !secrets.some((own) => isWithin(path, own)))
  if (open.length === 0) return null
  const names = open.map(({ text }) => text)
  const message = `${workflow} is given secret fields, and does not keep them so: ${names.join(', ')}`
  const fix = `add classify: ${classifyOf(names)} to ${workflow}`
  return finding('not_classified', message, 'the same fields to be secret there', fix)
}

function inRing(ring: readonly string[]): Finding {
  const message = `the call leads back to itself: ${ring.join(' > ')}`
  return finding('call_ring', message, 'calls that come to an end', 'remove one of them')
}

/** The way from `start` through a call of `first` back to it, if there is one. */
function ringFrom(start: string | null, first: string, byName: ReadonlyMap<string, Linked>): string[] | null {
  if (start === null) return null
  const cameFrom = new Map<string, string>([[first, start]])
  const open = [first]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === start) return wayBack(start, cameFrom)
    for (const { workflow } of byName.get(name)?.links.calls ?? []) {
      if (cameFrom.has(workflow)) continue
      cameFrom.set(workflow, name)
      open.push(workflow)
    }
  }
  return null
}

function wayBack(start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [start]
  do way.unshift(cameFrom.get(way[0]!)!)
  while (way[0] !== start)
  return way
}
