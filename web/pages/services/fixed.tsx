import { IconLock } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import classes from './form.module.css'

/** Visibly not to be changed; why stands in the help of its row. */
export const Fixed = ({ children }: { readonly children: ReactNode }) => (
  <div className={`${classes.fixed} outside`}>
    <IconLock size={15} aria-hidden />
    <span>{children}</span>
  </div>
)
