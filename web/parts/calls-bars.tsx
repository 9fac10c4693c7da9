import '@mantine/charts/styles.css'
import { BarChart } from '@mantine/charts'
import type { Bar } from './call-summary.ts'

interface Shown {
  readonly bars: readonly Bar[]
  readonly labelOf: (at: number) => string
}

/** The drawing alone; its library is fetched with it. What it shows stands in a table beside it. */
export const CallsBars = ({ bars, labelOf }: Shown) => (
  <BarChart
    h={150}
    data={bars.map(({ at, calls, errors }) => ({ at: labelOf(at), answered: calls - errors, errors }))}
    dataKey="at"
    type="stacked"
    series={[
      { name: 'answered', label: 'Without an error', color: 'var(--accent)' },
      { name: 'errors', label: 'Errors', color: 'var(--red)' },
    ]}
    tickLine="none"
    gridAxis="x"
    gridColor="var(--rule)"
    textColor="var(--quiet)"
    cursorFill="var(--hover)"
    maxBarWidth={28}
    xAxisProps={{ minTickGap: 32 }}
    yAxisProps={{ width: 40, allowDecimals: false }}
    barChartProps={{ accessibilityLayer: false, margin: { top: 6, right: 4, bottom: 0, left: 0 } }}
    barProps={{ isAnimationActive: false }}
    tooltipAnimationDuration={0}
  />
)
