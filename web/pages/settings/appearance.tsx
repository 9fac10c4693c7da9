import { SegmentedControl, useMantineColorScheme } from '@mantine/core'
import { FormRow } from '../../parts/form-row.tsx'

const schemes = [
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
  { value: 'auto', label: 'As the system' },
] as const

/** Light, dark, or as the system has it; kept in this browser. */
export const Appearance = () => {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <FormRow label="Appearance" help="In this browser." group>
      {() => (
        <SegmentedControl
          aria-label="Appearance"
          data={[...schemes]}
          value={colorScheme}
          onChange={value => {
            const chosen = schemes.find(one => one.value === value)
            if (chosen) setColorScheme(chosen.value)
          }}
        />
      )}
    </FormRow>
  )
}
