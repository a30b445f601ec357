/**
 * Minor units and what people read. How many digits a currency has is taken from ISO 4217 (package `countries-list`)
 * and not from Intl: Intl says what is usual on price tags, none for the forint and the rupiah where ISO has two.
 */
import { currencies } from 'countries-list/currencies'

/** Digits behind the point: 2 for most, 0 for the yen, 3 for the Kuwaiti dinar. */
export function digitsOf(currency: string): number {
  const known = (currencies as Record<string, { decimals: number }>)[currency]
  if (known === undefined) throw new Error(`no currency ${currency} in ISO 4217`)
  return known.decimals
}

export function toMinor(major: number, currency: string): number {
  return Math.round(major * 10 ** digitsOf(currency))
}

/** For people: `JPY 4,788`, `KWD 1.857`. Exact for sums of any size. */
export function formatMoney(minor: bigint | number, currency: string): string {
  const digits = digitsOf(currency)
  const format = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
    currencyDisplay: 'code',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  // ECMA-402 takes a decimal text as it stands, where a number would be rounded to 53 bits.
  return format.format(decimal(BigInt(minor), digits) as Intl.StringNumericLiteral).replace('\u00a0', ' ')
}

function decimal(minor: bigint, digits: number): string {
  const text = String(minor < 0n ? -minor : minor).padStart(digits + 1, '0')
  const sign = minor < 0n ? '-' : ''
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`
}
