/** The configuration's words for a coordinator's limits. */
import type { Config } from './config.ts'
import { type CoordinatorLimits, defaultLimits } from './coordinator/limits.ts'

export function limitsOf(config: Config, others: Partial<CoordinatorLimits> = {}): CoordinatorLimits {
  return {
    ...defaultLimits,
    runningMax: config['limits.runningMax'],
    queuedMax: config['limits.queuedMax'],
    valueBytesMax: config['limits.valueBytesMax'],
    handoverMs: config.handoverTimeout,
    // Three signs of life to a lease: one may be late and one may be lost.
    renewEveryMs: Math.min(defaultLimits.renewEveryMs, Math.floor(config['kafka.sessionTimeout'] / 3)),
    ...others,
  }
}
