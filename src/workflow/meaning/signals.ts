/** The events that a workflow waits for: what is declared of a topic is waited for, and the other way round holds by defaults. */
import { topicPattern } from '../message.ts'
import { didYouMean } from '../nearest.ts'
import { finding, shorten } from '../problem.ts'
import { valueAt } from '../shape/at.ts'
import { addAtKey, type Checking, checkExpression, textAt } from './fields.ts'
import { checkFormat } from './format.ts'
import { namesBefore } from './scope.ts'

export function checkSignals(checking: Checking): void {
  const declared = Object.keys((valueAt(checking.file, ['signals']) ?? {}) as object)
  const waited = new Set(checking.outline.steps.map(({ path }) => textAt(checking, [...path, 'wait', 'topic'])))
  const topics = [...waited].filter((topic) => topic !== null)
  const names = namesBefore(checking.outline, 'the business key of an event is told from that event alone')
  for (const topic of declared) {
    checkExpression(checking, ['signals', topic, 'key'], names, 'key')
    checkFormat(checking, ['signals', topic, 'format'])
    if (waited.has(topic) || !topicPattern.test(topic)) continue
    const message = `no step waits for an event of "${shorten(topic)}"`
    const expected = topics.length > 0 ? `one of ${topics.join(', ')}` : 'a topic that a step with wait names'
    const fix = didYouMean(topic, topics, 'remove it, or add a step with wait')
    addAtKey(checking, ['signals', topic], finding('unused_signal', message, expected, fix))
  }
}
