import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, type ReactNode } from 'react'

interface Rows<T> {
  readonly rows: readonly T[]
  readonly keyOf: (row: T) => string
  /** Of most rows, in pixels; each is measured when it is drawn. */
  readonly height: number
  readonly children: (row: T, index: number) => ReactNode
  /** Asked for when the last rows come near. */
  readonly more?: (() => unknown) | undefined
  readonly label: string
}

/** A list of any length of which only what can be seen is drawn; it scrolls with the page. */
export const VirtualRows = <T,>({ rows, keyOf, height, children, more, label }: Rows<T>) => {
  const list = useRef<HTMLDivElement>(null)
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => height,
    overscan: 12,
    scrollMargin: list.current?.offsetTop ?? 0,
    getItemKey: index => {
      const row = rows[index]
      return row === undefined ? index : keyOf(row)
    },
  })
  const drawn = virtualizer.getVirtualItems()
  const last = drawn.at(-1)?.index ?? -1

  useEffect(() => {
    if (more && last >= rows.length - 10) more()
  }, [more, last, rows.length])

  return (
    <div ref={list} role="list" aria-label={label} style={{ height: virtualizer.getTotalSize(), position: 'relative' }}>
      {drawn.map(item => {
        const row = rows[item.index]
        return row === undefined ? null : (
          <div
            key={item.key}
            ref={virtualizer.measureElement}
            data-index={item.index}
            role="listitem"
            aria-setsize={rows.length}
            aria-posinset={item.index + 1}
            style={{
              position: 'absolute',
              insetInline: 0,
              top: 0,
              transform: `translateY(${item.start - virtualizer.options.scrollMargin}px)`,
            }}
          >
            {children(row, item.index)}
          </div>
        )
      })}
    </div>
  )
}
