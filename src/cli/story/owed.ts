/** What a failed transaction did and could not undo, and what to do about it. */
import type { Story } from '../../ledger/read/story.ts'
import type { Paint } from '../paint.ts'
import { placeName } from '../place-name.ts'
import { oneLine } from '../table.ts'
import { shortId } from './short-id.ts'

const shownMax = 20

export function owedLines({ id, owed }: Story, paint: Paint): string[] {
  if (owed.length === 0) return []
  const more = owed.length - shownMax
  return [
    paint('red', 'owed: it was done, and is not undone'),
    ...owed.slice(0, shownMax).map((each) => `  ${paint('bold', placeName(each))}  ${why(each)}`),
    ...(more > 0 ? [`  … ${more} more`] : []),
    paint('dim', `  \`millrace compensate ${shortId(id)}\` tries again, once what was in the way is mended`),
  ]
}

function why({ function: name, attempts, error_code, error_message }: Story['owed'][number]): string {
  const how = name === null ? 'what it called is not undone' : `by ${name}`
  if (error_code === null) return attempts === null ? `${how}: not tried yet` : how
  return `${how}: ${error_code} ${oneLine(error_message ?? '')}`.trimEnd()
}
