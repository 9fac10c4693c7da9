import { Kbd, Modal, Table } from '@mantine/core'

const rows: readonly (readonly [keys: readonly string[], does: string])[] = [
  [['Ctrl', 'K'], 'Search everything, or go anywhere (⌘K on a Mac)'],
  [['/'], 'Search on this page'],
  [['g', 'c'], 'Connections'],
  [['g', 's'], 'Services'],
  [['g', 'f'], 'Functions'],
  [['g', 'i'], 'Invocations'],
  [['g', 'm'], 'Members'],
  [['g', 'k'], 'API keys'],
  [['n'], 'Add a connection'],
  [['↑', '↓'], 'Move in a list'],
  [['Enter'], 'Open'],
  [['e'], 'Edit'],
  [['Ctrl', 'S'], 'Save a function'],
  [['Ctrl', 'Enter'], 'Save and run a function'],
  [['Esc', 'Tab'], 'Leave the editor of a function'],
  [['?'], 'Show this'],
]

interface Shown {
  readonly opened: boolean
  readonly onClose: () => void
}

export const ShortcutList = ({ opened, onClose }: Shown) => (
  <Modal opened={opened} onClose={onClose} title="Keyboard">
    <Table withRowBorders={false} verticalSpacing={6}>
      <Table.Tbody>
        {rows.map(([keys, does]) => (
          <Table.Tr key={does}>
            <Table.Th w={110} fw={400}>
              {keys.map(key => (
                <Kbd key={key} mr={4}>
                  {key}
                </Kbd>
              ))}
            </Table.Th>
            <Table.Td>{does}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  </Modal>
)
