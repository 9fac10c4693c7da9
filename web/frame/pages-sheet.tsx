import { Drawer } from '@mantine/core'
import type { ReactNode } from 'react'
import classes from './pages-sheet.module.css'

interface Shown {
  readonly onClose: () => void
  readonly children: ReactNode
}

/** The rail of a narrow window. */
export const PagesSheet = ({ onClose, children }: Shown) => (
  <Drawer opened onClose={onClose} size={240} title="Pages" classNames={{ body: classes.sheet ?? '' }}>
    {children}
  </Drawer>
)
