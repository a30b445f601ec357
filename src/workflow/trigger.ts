/** Which of a workflow's triggers a record is for. */
import type { HttpTrigger, KafkaTrigger, Plan } from './plan.ts'

/** A request for the workflow is of no other trigger: where both come by one topic, what is said of Kafka is for what others write there. */
export function triggerOf(
  { on: { kafka, http } }: Plan,
  topic: string,
  isRequest: boolean,
): KafkaTrigger | HttpTrigger | null {
  return kafka?.topic !== topic || (http?.topic === topic && isRequest) ? http : kafka
}
