import {statfsSync} from 'node:fs';
import {asJarvisError} from '../errors.ts';
import {checkServers, checkTimes} from './check-clock.ts';
import {checkConfig, checkPlugins} from './check-config.ts';
import {checkCopies} from './check-copies.ts';
import {checkElsewhere} from './check-elsewhere.ts';
import {checkContents, checkFiles} from './check-files.ts';
import {checkJournals, checkLocks} from './check-locks.ts';
import {checkDisk, checkPorts, checkProgram, checkTmux} from './check-machine.ts';
import {checkEnvironment, checkProfiles, checkSharing} from './check-profiles.ts';
import {type Finding, finding, type Severity} from './findings.ts';
import {checkSpentTokens} from './spent-tokens.ts';
import {type DoctorContext, type Machine, readSubject, type Subject} from './subject.ts';

type Check = (subject: Subject) => readonly Finding[] | Promise<readonly Finding[]>;

/** All that is looked at, by what a person would call it. */
const checks: Readonly<Record<string, Check>> = {
	'files and folders': checkFiles,
	'contents of files': checkContents,
	configuration: checkConfig,
	plugins: checkPlugins,
	profiles: checkProfiles,
	'logins that are shared': checkSharing,
	'logins of other programs': checkElsewhere,
	'the environment': checkEnvironment,
	'refresh tokens that were spent': checkSpentTokens,
	'copies of files': checkCopies,
	locks: checkLocks,
	'refreshes that were cut off': checkJournals,
	'times in the state folder': checkTimes,
	'clocks of the providers': checkServers,
	'ports for logins': checkPorts,
	'the disk': checkDisk,
	'the program': checkProgram,
	tmux: checkTmux,
};

const severities: readonly Severity[] = ['error', 'warning', 'note'];

/**
 * Looks at everything that can go wrong around credentials, and changes nothing. What cannot be looked at is a
 * finding, too. The worst come first.
 * @throws system errors, where not even the agents can be listed
 */
export async function examine(context: DoctorContext): Promise<Finding[]> {
	const subject = await readSubject(context);
	const found: Finding[] = [];
	for (const [name, check] of Object.entries(checks)) {
		try {
			found.push(...(await check(subject)));
		} catch (error) {
			const {message, next} = asJarvisError(error);
			found.push(finding('unchecked', {where: name, what: message, next}));
		}
	}
	const rank = ({severity}: Finding) => severities.indexOf(severity);
	return found.sort((a, b) => rank(a) - rank(b));
}

/** This machine. */
export function thisMachine(): Machine {
	return {
		uid: process.getuid?.(),
		platform: process.platform,
		nodeVersion: process.versions.node,
		fileSystem(path) {
			const {type, bavail, bsize} = statfsSync(path);
			return {type, free: bavail * bsize};
		},
	};
}
