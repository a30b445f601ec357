/**
 * What a view costs, in minor units of the viewer's currency. The levels say roughly what one US dollar's worth costs
 * in each currency: a price list, not anybody's exchange rates. Countries whose currency is not listed pay dollars.
 */
import countryToCurrency from 'country-to-currency'
import type { Plan, Prices } from '../../workflows/video/world.ts'
import { toMinor } from '../money.ts'

export function makePrices(): Prices {
  const prices = Object.keys(levels).map((currency) => [currency, priceList(currency)])
  return Object.fromEntries(prices) as Prices
}

/** Currency by country, for every country there is. */
export function makeCurrencies(): Record<string, string> {
  const listed = ([country, currency]: [string, string]) => [country, currency in levels ? currency : 'USD']
  return Object.fromEntries(Object.entries(countryToCurrency).map(listed))
}

/** What an advertiser pays for showing one spot of `seconds`, at least one minor unit. */
export function spotPrice(currency: string, seconds: number): number {
  return Math.max(1, toMinor((levels[currency] ?? 1) * 0.004 * seconds, currency))
}

const dollars: Record<Plan, number> = { basic: 1.99, plus: 3.99, premium: 5.99 }

function priceList(currency: string): Record<Plan, number> {
  const of = (plan: Plan) => toMinor(dollars[plan] * levels[currency]!, currency)
  return { basic: of('basic'), plus: of('plus'), premium: of('premium') }
}

const levels: Readonly<Record<string, number>> = {
  USD: 1,
  EUR: 0.95,
  GBP: 0.8,
  JPY: 150,
  INR: 60,
  CAD: 1.35,
  AUD: 1.5,
  NZD: 1.65,
  CHF: 0.95,
  SEK: 10.5,
  NOK: 10.5,
  DKK: 7,
  ISK: 140,
  PLN: 4,
  CZK: 23,
  HUF: 360,
  RON: 4.6,
  UAH: 30,
  TRY: 25,
  BRL: 4.5,
  MXN: 17,
  ARS: 900,
  CLP: 900,
  COP: 3900,
  PEN: 3.5,
  UYU: 40,
  ZAR: 15,
  NGN: 900,
  KES: 110,
  GHS: 12,
  EGP: 30,
  MAD: 9,
  TND: 3,
  AED: 3.67,
  SAR: 3.75,
  KWD: 0.31,
  BHD: 0.376,
  OMR: 0.385,
  JOD: 0.71,
  ILS: 3.6,
  SGD: 1.35,
  HKD: 7.8,
  TWD: 30,
  KRW: 1300,
  THB: 33,
  MYR: 4.3,
  IDR: 14000,
  PHP: 50,
  VND: 22000,
  PKR: 200,
  BDT: 100,
  LKR: 280,
  XOF: 600,
}
