// Makes src/shapes/world-map/countries.json: one outline per country, keyed by its two letters (ISO 3166-1 alpha-2), drawn in
// the Natural Earth projection. Run by `npm run gen-map`; the result is committed, so that a build needs neither the atlas
// nor the projection. Antarctica is left out: nobody calls an API from there, and it would take a fifth of the height.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { geoNaturalEarth1, geoPath } from 'd3-geo';
import { feature } from 'topojson-client';

const WIDTH = 560;
const HEIGHT = 270;
const require = createRequire(import.meta.url);
const atlas = JSON.parse(readFileSync(require.resolve('world-atlas/countries-110m.json'), 'utf8'));

// The atlas leaves disputed territories without a number. Kosovo has a code in use (XK); the other two are part of the
// country that address databases file them under.
const WITHOUT_NUMBER = { Kosovo: 'XK', 'N. Cyprus': 'CY', Somaliland: 'SO' };

// The runtime knows which region a UN number stands for: `und-826` is `und-GB` in canonical form.
const letters = (country) =>
  country.id ? new Intl.Locale(`und-${country.id}`).region : WITHOUT_NUMBER[country.properties.name];

const countries = feature(atlas, atlas.objects.countries).features.filter((country) => letters(country) !== 'AQ');
const all = { type: 'FeatureCollection', features: countries };
const projection = geoNaturalEarth1().fitExtent([[1, 1], [WIDTH - 1, HEIGHT - 1]], all);
const draw = geoPath(projection).digits(1);

const outlines = {};
for (const country of countries) {
  const code = letters(country);
  if (!/^[A-Z]{2}$/.test(code ?? '')) throw new Error(`no letters for ${country.properties.name}`);
  outlines[code] = (outlines[code] ?? '') + (draw(country) ?? '');
}
const sorted = Object.fromEntries(Object.entries(outlines).sort(([a], [b]) => (a < b ? -1 : 1)));
const folder = new URL('../src/shapes/world-map/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL('countries.json', folder), JSON.stringify({ width: WIDTH, height: HEIGHT, outlines: sorted }) + '\n');
console.log(`${Object.keys(sorted).length} countries`);
