import {shellWord} from '../../errors.ts';
import type {StatePaths} from '../../store/paths.ts';
import {rightsTooMany, type StateFile, stateFiles} from '../../store/state-files.ts';
import type {SecretFinding} from './findings.ts';

/** The files and folders of a state folder that others could use, or that are another user's. */
export function auditModes(paths: StatePaths): SecretFinding[] {
	// Windows has neither; a state folder in a profile is private there by what it inherits.
	const user = process.getuid?.();
	const [folder, ...others] = stateFiles(paths);
	if (user === undefined || !folder) return [];
	// The folder of another user is one finding, and not one for each file.
	const owner = folder.stats.uid;
	return [
		...ownerFinding(folder, user),
		...[folder, ...others].flatMap(file => [
			...ownerFinding(file, owner),
			...modeFinding(file, rightsTooMany(paths, file)),
		]),
	];
}

function modeFinding({path, stats}: StateFile, open: number): SecretFinding[] {
	if (open === 0) return [];
	const mode = stats.isDirectory() ? '700' : '600';
	return [
		{
			code: 'bad_mode',
			file: path,
			message: `${path} can be used by others (${(stats.mode & 0o777).toString(8)}).`,
			next: `chmod ${mode} ${shellWord(path)}`,
		},
	];
}

function ownerFinding({path, stats: {uid}}: StateFile, owner: number): SecretFinding[] {
	if (uid === owner) return [];
	return [
		{
			code: 'bad_owner',
			file: path,
			message: `${path} belongs to another user (uid ${uid}).`,
			next: `sudo chown ${owner} ${shellWord(path)}`,
		},
	];
}
