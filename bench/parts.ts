/** The parts of the comparison: each a few cases, in each of which both sides do the same. */
import type { Load } from './round.ts'

export interface Case {
  readonly label: string
  readonly load: Load
}

export interface Part {
  readonly name: string
  /** One sentence: what is compared. */
  readonly about: string
  /** How many records a case drains is a share of `events`. */
  cases(events: number, quick: boolean): readonly Case[]
}

const shape = { steps: 5, waitMs: 0, coordinators: 1 }
const small = { bytes: 300, keys: 5000 }

export function load(preloaded: number, more: Partial<Load> = {}): Load {
  return { shape, events: small, partitions: 4, paces: [], ...more, preloaded: Math.max(100, Math.round(preloaded)) }
}

const main: Part = {
  name: 'main',
  about: 'Five steps, 300 B, 5,000 keys, 4 partitions: drained, then 100 a second, then 1,000 a second.',
  cases: (events, quick) => [
    {
      label: '5 steps, 300 B, 5,000 keys, 4 partitions',
      load: load(events, {
        paces: [
          { perSecond: 100, seconds: quick ? 5 : 12 },
          { perSecond: 1000, seconds: quick ? 3 : 8 },
        ],
      }),
    },
  ],
}

const coordinators: Part = {
  name: 'coordinators',
  about: 'One, two and three coordinators on one machine share six partitions; the floor is one each time.',
  cases: (events) =>
    [1, 2, 3].map((count) => ({
      label: `${count} coordinator${count > 1 ? 's' : ''}`,
      load: load(events, { partitions: 6, shape: { ...shape, coordinators: count } }),
    })),
}

const payloads: Part = {
  name: 'payloads',
  about: 'Records of 300 B, 4 KiB and 64 KiB.',
  cases: (events) =>
    [
      { bytes: 300, label: '300 B', share: 1 },
      { bytes: 4096, label: '4 KiB', share: 0.5 },
      { bytes: 65_536, label: '64 KiB', share: 0.05 },
    ].map(({ bytes, label, share }) => ({ label, load: load(events * share, { events: { ...small, bytes } }) })),
}

const chains: Part = {
  name: 'chains',
  about: 'Chains of 1, 5 and 50 steps.',
  cases: (events) =>
    [
      { steps: 1, share: 1 },
      { steps: 5, share: 1 },
      { steps: 50, share: 0.1 },
    ].map(({ steps, share }) => ({
      label: `${steps} step${steps > 1 ? 's' : ''}`,
      load: load(events * share, { shape: { ...shape, steps } }),
    })),
}

const waits: Part = {
  name: 'waits',
  about: 'Functions that wait 0, 5 and 50 ms for somebody else.',
  cases: (events) =>
    [
      { waitMs: 0, share: 1 },
      { waitMs: 5, share: 0.5 },
      { waitMs: 50, share: 0.1 },
    ].map(({ waitMs, share }) => ({
      label: `${waitMs} ms a step`,
      load: load(events * share, { shape: { ...shape, waitMs } }),
    })),
}

const effectFree: Part = {
  name: 'effect-free',
  about:
    'The main part with functions declared `effects: none`: the engine need not wait for each commit; the floor does.',
  cases: (events, quick) =>
    main.cases(events, quick).map(({ label, load: one }) => ({
      label: `${label}, effects: none`,
      load: { ...one, shape: { ...one.shape, effectFree: true } },
    })),
}

export const parts: readonly Part[] = [main, coordinators, payloads, chains, waits, effectFree]
