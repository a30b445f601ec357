/** Names of steps for people: `bill`, `bill[3]` of an item, `undo of bill[3]`. */
import type { StepPlace } from '../ledger/read/parts.ts'

export function placeName({ step, item }: StepPlace): string {
  return item === '' ? step : `${step}[${item}]`
}

export function nameOf(place: StepPlace & { readonly direction: 'forward' | 'undo' }): string {
  return place.direction === 'undo' ? `undo of ${placeName(place)}` : placeName(place)
}
