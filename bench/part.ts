/** How long and how large the parts are. */
export interface Sizes {
  readonly rounds: number
  readonly seconds: number
  /** Of the soak. */
  readonly minutes: number
  /** In the large database. */
  readonly connections: number
  /** Of each stream. */
  readonly megabytes: number
  /** For the measured Node, such as `--cpu-prof`. */
  readonly nodeOptions: readonly string[]
}

/** One line of the table. */
export interface Row {
  readonly measure: string
  readonly aim: string
  readonly found: string
  /** Null where there is no aim, or this system does not tell. */
  readonly reached: boolean | null
}

/** What one part found: lines for people, and the same as `--json` writes it. */
export interface PartResult {
  readonly rows: readonly Row[]
  readonly figures: Readonly<Record<string, unknown>>
}

/** A line whose figure should be at most, or at least, the aim. */
export function row(measure: string, aim: { atMost: number } | { atLeast: number }, found: number | null, unit: string, digits = 2): Row {
  const most = 'atMost' in aim
  const limit = most ? aim.atMost : aim.atLeast
  return {
    measure,
    aim: `${most ? '≤' : '≥'} ${limit} ${unit}`,
    found: found === null ? '–' : `${found.toFixed(digits)} ${unit}`,
    reached: found === null || Number.isNaN(found) ? null : most ? found <= limit : found >= limit,
  }
}

/** As Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const sign = (reached: boolean | null) => (reached === null ? '' : reached ? 'yes' : '**no**')
  const lines = rows.map(({ measure, aim, found, reached }) => [measure, aim, found, sign(reached)])
  const titles = ['measure', 'aim', 'found', 'reached']
  return [titles, titles.map(() => '---'), ...lines].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}
