// Tiles: every folder here is a tile type of that name; scene.toml names it, nothing else lists it.

import type { Component } from 'svelte';

import type { Tile } from '../data/shapes';
import Missing from './Missing.svelte';

type TileType = Component<{ tile: Tile; turn?: number }>;

const found = import.meta.glob<TileType>('./*/Tile.svelte', { eager: true, import: 'default' });

/** The component that draws a tile type; one that says so when there is none. */
export function tileOf(type: string): TileType {
  return found[`./${type}/Tile.svelte`] ?? Missing;
}

export const tileTypes = Object.keys(found).map((path) => path.split('/')[1] ?? '');
