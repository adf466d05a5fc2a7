import {chmod, copyFile, readFile, rm} from 'node:fs/promises';
import {basename, dirname, relative, resolve} from 'node:path';
import {type BuildOptions, build, type Plugin} from 'esbuild';

/**
 * Builds what is shipped: `dist/`, with everything that the program needs in it.
 *
 * The commands that scripts call often are one CommonJS file, which Node starts fastest; all else is split
 * into modules that are loaded when they are first needed, by the program or by whoever imports the library.
 */

const source = resolve(import.meta.dirname, '../source');
const dist = resolve(import.meta.dirname, '../dist');

/** Modules that are loaded on demand and yet belong to the quick commands' own file. */
const inlined = new Set([
	'commands/status.ts',
	'commands/token.ts',
	'commands/exec.ts',
	'commands/git-credential.ts',
	'commands/completion.ts',
	'auth/renewable.ts',
	'auth/snapshot.ts',
	'auth/aim.ts',
	'auth/hand-out.ts',
	'auth/git-credential.ts',
	'auth/providers/registry.ts',
]);

const {version} = JSON.parse(await readFile(resolve(dist, '../package.json'), 'utf8')) as {version: string};

const shared: BuildOptions = {
	bundle: true,
	platform: 'node',
	target: 'node22.13',
	jsx: 'automatic',
	minifySyntax: true,
	minifyWhitespace: true,
	// jsonc-parser's main file loads its parts in a way that no bundler sees.
	mainFields: ['module', 'main'],
	legalComments: 'linked',
	logLevel: 'warning',
	define: {'process.env.NODE_ENV': '"production"', JARVIS_VERSION: JSON.stringify(version)},
};

await rm(dist, {recursive: true, force: true});
const onDemand = new Map<string, string>();
await build({
	...shared,
	entryPoints: [resolve(source, 'cli.ts')],
	format: 'cjs',
	outfile: resolve(dist, 'cli.cjs'),
	plugins: [loadOnDemand(onDemand)],
});
await build({
	...shared,
	// The sandbox's authorization server depends on the names of its classes. Keeping them is paid for at each start.
	keepNames: true,
	entryPoints: [
		{in: resolve(source, 'index.ts'), out: 'index'},
		// A worker is started by its file's name.
		{in: resolve(source, 'auth/providers/plugin-worker.ts'), out: 'on-demand/plugin-worker'},
		{in: resolve(source, 'auth/secrets/keychain-worker.ts'), out: 'on-demand/keychain-worker'},
		...[...onDemand].map(([file, name]) => ({in: file, out: `on-demand/${name}`})),
	],
	format: 'esm',
	splitting: true,
	outdir: dist,
	// Native code, which differs from machine to machine: npm puts the fitting one beside us, if there is one.
	external: ['@napi-rs/keyring', 'koffi'],
	chunkNames: 'on-demand/shared-[hash]',
	banner: {
		js: "import{createRequire as createRequire_}from'node:module';const require=createRequire_(import.meta.url);",
	},
	plugins: [yogaFromBytes(), withoutDevtools()],
});
await copyFile(resolve(source, 'bin.cjs'), resolve(dist, 'jarvis.cjs'));
await chmod(resolve(dist, 'jarvis.cjs'), 0o755);

/** Leaves dynamic imports of our own modules to the second build, and notes which they are. */
function loadOnDemand(modules: Map<string, string>): Plugin {
	return {
		name: 'load-on-demand',
		setup({onResolve}) {
			onResolve({filter: /.*/}, ({path, resolveDir, kind}) => {
				if (kind !== 'dynamic-import' || path.startsWith('node:')) return undefined;
				if (!path.startsWith('.')) {
					modules.set(path, path);
					return {path: `./on-demand/${path}.js`, external: true};
				}
				const file = resolve(resolveDir, path);
				const name = relative(source, file);
				if (inlined.has(name)) return undefined;
				const output = name.replace(/\.tsx?$/, '').replaceAll('/', '-');
				modules.set(file, output);
				return {path: `./on-demand/${output}.js`, external: true};
			});
		},
	};
}

/**
 * Hands yoga its WebAssembly as bytes. Its own loader fetches a data URL, which costs loading all of
 * Node's fetch before the first frame.
 */
function yogaFromBytes(): Plugin {
	const dataUrl = /data:application\/octet-stream;base64,([A-Za-z0-9+/=]+)/;
	return {
		name: 'yoga-from-bytes',
		setup({onLoad, onResolve}) {
			onResolve({filter: /^yoga-bytes$/}, ({resolveDir}) => ({
				path: resolve(resolveDir, '../binaries/yoga-wasm-base64-esm.js'),
				namespace: 'yoga-bytes',
			}));
			onLoad({filter: /.*/, namespace: 'yoga-bytes'}, async ({path}) => {
				const encoded = dataUrl.exec(await readFile(path, 'utf8'))?.[1];
				if (!encoded) throw new Error('yoga-layout no longer carries its WebAssembly as a data URL.');
				return {contents: Buffer.from(encoded, 'base64'), loader: 'binary'};
			});
			onLoad({filter: /yoga-wasm-base64-esm\.js$/}, async ({path}) => ({
				contents: (await readFile(path, 'utf8')).replace(dataUrl, 'yoga.wasm'),
			}));
			onLoad({filter: /yoga-layout\/dist\/src\/index\.js$/}, async ({path}) => {
				const text = await readFile(path, 'utf8');
				const patched = text.replace('await loadYoga()', 'await loadYoga({wasmBinary: yogaBytes})');
				if (patched === text)
					throw new Error('yoga-layout is no longer loaded in the way that is known here.');
				return {contents: `import yogaBytes from 'yoga-bytes';\n${patched}`, resolveDir: dirname(path)};
			});
		},
	};
}

/** Ink loads React's developer tools in development only; they are no part of what is shipped. */
function withoutDevtools(): Plugin {
	return {
		name: 'without-devtools',
		setup({onResolve, onLoad}) {
			onResolve({filter: /^react-devtools-core$/}, ({path}) => ({path: basename(path), namespace: 'stub'}));
			onLoad({filter: /.*/, namespace: 'stub'}, () => ({contents: 'export default {};'}));
		},
	};
}
