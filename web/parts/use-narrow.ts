import { useMediaQuery } from '@mantine/hooks'

/** Whether tables show fewer columns: at the same width as their stylesheets, 900 px. */
export const useNarrow = (): boolean => useMediaQuery('(max-width: 900px)', false, { getInitialValueInEffect: false })
