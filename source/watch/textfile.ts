import {realpathSync, statSync} from 'node:fs';
import {basename, dirname, join, sep} from 'node:path';
import type {Jarvis} from '../core.ts';
import {asJarvisError, JarvisError} from '../errors.ts';
import {followLink, writeDurably} from '../store/write.ts';
import {metricsOf, withTime} from './metrics.ts';
import type {WatchLook} from './watcher.ts';

/** How old (ms) the time in the file gets at most while nothing else changes. Looks come at least once a minute. */
const heartbeatMs = 30_000;

/** Others must read it: a collector of another user does. It holds no secret. */
const mode = 0o644;

export interface Textfile {
	write(look: WatchLook): void;
}

/**
 * A file of metrics for the textfile collector of node_exporter, replaced as a whole. What keeps it from being written
 * is told once, and tried again at the next look.
 * @throws `usage` for a place where nobody else could read it, or where there is no folder
 */
export function openTextfile({paths, tell}: Pick<Jarvis, 'paths' | 'tell'>, file: string): Textfile {
	assertFolder(file);
	// A link may lead there too, and so may its folder.
	const target = followLink(file);
	const real = join(realpathSync(dirname(target)), basename(target));
	if (real.startsWith(`${followLink(paths.root)}${sep}`)) {
		throw new JarvisError(
			'usage',
			`--textfile ${file} is in the state folder, which nobody else may read.`,
			'Name a file in the folder of the collector.',
		);
	}
	let written = {metrics: '', at: Number.NEGATIVE_INFINITY};
	let fault = '';

	return {
		write(look) {
			const metrics = metricsOf(look);
			// A file in a folder that is watched would else bring about the next look.
			if (metrics === written.metrics && Math.abs(look.now - written.at) < heartbeatMs) return;
			try {
				assertFolder(file);
				writeDurably(file, withTime(metrics, look.now), {mode});
				written = {metrics, at: look.now};
				fault = '';
			} catch (error) {
				const {message, next} = asJarvisError(error);
				if (message !== fault) tell(`${message} ${next}`);
				fault = message;
			}
		},
	};
}

// A folder that was made here could be read by nobody else.
function assertFolder(file: string): void {
	if (statSync(dirname(file), {throwIfNoEntry: false})?.isDirectory()) return;
	throw new JarvisError(
		'usage',
		`There is no folder ${dirname(file)}, which --textfile names.`,
		'Make it, or name another file.',
	);
}
