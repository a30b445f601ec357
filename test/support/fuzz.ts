/**
 * Property tests: the same cases at every run of the gate, others in `npm run test:long` or with FUZZ_SEED=…, so that a
 * change is blamed only for what it breaks. A failing seed is printed with its case.
 */
import fc from 'fast-check'

fc.configureGlobal({ seed: Number(process.env.FUZZ_SEED ?? 1) })

export { fc }
