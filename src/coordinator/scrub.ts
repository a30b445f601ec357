/**
 * What comes back from a function of a transaction with secret fields, without them: a net for what it says by mistake. What
 * names something (an account, a key) gets another name in its place, the same for the same, so that it still tells one from another.
 */
import type { Scrubber } from '../envelope/scrub.ts'
import type { Sealer } from '../envelope/seal.ts'
import type { Form } from '../envelope/written.ts'
import type { AttemptReport, Emitted, Posted } from '../transaction/attempt.ts'

export function scrubbed<Report extends AttemptReport>(report: Report, scrubber: Scrubber, sealer: Sealer): Report {
  const { emitted, posted, output, errorCode, errorMessage, logs } = report
  if (emitted?.some(({ topic }) => scrubber.has(topic))) return misnamed(report, scrubber)
  const named = (text: string) => (scrubber.has(text) ? `secret-${sealer.nameOf(text)}` : text)
  return {
    ...report,
    output: output === null ? null : scrubber.json(output),
    errorCode: errorCode === null ? null : scrubber.text(errorCode),
    errorMessage: errorMessage === null ? null : scrubber.text(errorMessage),
    logs: logs === null ? null : scrubber.text(logs),
    ...(emitted && { emitted: emitted.map((each) => ofMessage(each, scrubber, named)) }),
    ...(posted && { posted: posted.map((each) => ofPosting(each, named)) }),
  }
}

function ofMessage({ topic, key, value, headers, form }: Emitted, scrubber: Scrubber, named: Named): Emitted {
  return {
    ...(form && { form: ofForm(form, scrubber) }),
    topic,
    key: key === null ? null : named(key),
    value: value === null ? null : scrubber.json(value),
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, scrubber.text(text)])),
  }
}

function ofForm({ format, event }: Form, scrubber: Scrubber): Form {
  if (event === null) return { format, event }
  const attributes = Object.entries(event.attributes).map(([name, text]) => [name, scrubber.text(text)])
  return { format, event: { ...event, attributes: Object.fromEntries(attributes) } }
}

function ofPosting(posting: Posted, named: Named): Posted {
  const { debit, credit, party, key } = posting
  return {
    ...posting,
    debit: named(debit),
    credit: named(credit),
    party: party === null ? null : named(party),
    key: key === null ? null : named(key),
  }
}

type Named = (text: string) => string

/** There is no other topic that it could mean. What it did outside stays unknown. */
function misnamed<Report extends AttemptReport>(
  { emitted: _, posted: __, ...report }: Report,
  scrubber: Scrubber,
): Report {
  return {
    ...(report as Report),
    outcome: 'fail',
    output: null,
    errorCode: 'secret_topic',
    errorMessage: 'it emitted to a topic whose name holds a secret field of the event',
    effectUnknown: true,
    logs: report.logs === null ? null : scrubber.text(report.logs),
  }
}
