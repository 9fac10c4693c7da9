import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react'
import classes from './virtual-table.module.css'

interface Rows<T> {
  readonly label: string
  /** `<th scope="col">`s. */
  readonly head: ReactNode
  readonly columns: number
  readonly rows: readonly T[]
  readonly keyOf: (row: T) => string
  /** Of most rows, in pixels; each is measured when it is drawn. */
  readonly height: number
  /** One or more `<tr>`s. */
  readonly children: (row: T) => ReactNode
  /** Asked for when the last rows come near. */
  readonly more?: (() => unknown) | undefined
}

/** Fewer rows than this are all drawn. */
const drawnAtOnce = 60

const Space = ({ height, columns }: { readonly height: number; readonly columns: number }) =>
  height <= 0 ? null : (
    <tbody aria-hidden="true">
      <tr>
        <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
      </tr>
    </tbody>
  )

/** A real table of any length of which only what can be seen is drawn; it scrolls with the page. Each row is a `<tbody>`, so that it may open. */
export const VirtualTable = <T,>({ label, head, columns, rows, keyOf, height, children, more }: Rows<T>) => {
  const table = useRef<HTMLTableElement>(null)
  const [top, setTop] = useState(0)
  const enabled = rows.length > drawnAtOnce
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    enabled,
    estimateSize: () => height,
    overscan: 15,
    scrollMargin: top,
    getItemKey: index => {
      const row = rows[index]
      return row === undefined ? index : keyOf(row)
    },
  })
  // what stands above may have grown with any render
  // eslint-disable-next-line react-hooks/exhaustive-deps -- ends by itself: the position is kept once it is the same
  useLayoutEffect(() => {
    const now = Math.round((table.current?.getBoundingClientRect().top ?? 0) + window.scrollY)
    if (Math.abs(now - top) > 1) setTop(now)
  })

  const drawn = virtualizer.getVirtualItems()
  const last = drawn.at(-1)
  const nearEnd = enabled ? (last?.index ?? -1) >= rows.length - 10 : false
  useEffect(() => {
    if (more && nearEnd) more()
  }, [more, nearEnd, rows.length])

  const body = enabled
    ? drawn.map(item => {
        const row = rows[item.index]
        return row === undefined ? null : (
          <tbody key={item.key} ref={virtualizer.measureElement} data-index={item.index}>
            {children(row)}
          </tbody>
        )
      })
    : rows.map(row => <tbody key={keyOf(row)}>{children(row)}</tbody>)

  return (
    <table ref={table} className={classes.table} aria-label={label} {...(enabled && { 'aria-rowcount': rows.length + 1 })}>
      <thead>
        <tr>{head}</tr>
      </thead>
      {enabled && <Space columns={columns} height={(drawn[0]?.start ?? top) - top} />}
      {body}
      {enabled && <Space columns={columns} height={virtualizer.getTotalSize() - ((last?.end ?? top) - top)} />}
    </table>
  )
}
