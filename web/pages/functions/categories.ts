/** What a function is for: the limits of a run follow from it, and it is the first half of the name that other functions call it by. */
export interface Category {
  readonly namespace: string
  readonly label: string
  readonly sentence: string
}

export const categories: readonly Category[] = [
  {
    namespace: 'standalone',
    label: 'Standalone',
    sentence: 'For anything: run by hand, called by other functions, or opened to the outside with a URL of its own.',
  },
  {
    namespace: 'automation',
    label: 'Automation',
    sentence: 'For what follows an event elsewhere, such as a workflow rule. It may run longer than the others.',
  },
  { namespace: 'schedule', label: 'Schedule', sentence: 'For work by the clock: minutes instead of seconds until it must be done.' },
  {
    namespace: 'button',
    label: 'Button',
    sentence: 'For what somebody presses and waits for: it takes a record’s id and answers with a sentence.',
  },
  { namespace: 'related_list', label: 'Related list', sentence: 'Answers with rows, to be shown as a list beside a record.' },
  { namespace: 'validation_rule', label: 'Validation rule', sentence: 'Says whether a record may be saved, and if not, why.' },
  { namespace: 'signals', label: 'Signals', sentence: 'Tells people about something that happened elsewhere.' },
]

export const categoryLabel = (namespace: string): string =>
  categories.find(one => one.namespace === namespace.toLowerCase())?.label ?? namespace
