import {JarvisError} from '../../errors.ts';
import {refKey} from './refs.ts';
import type {SecretsReport} from './runtime.ts';

/** What came of loading the secrets, in one line without a secret. */
export function reportWords({ok, refs, problems}: SecretsReport): string {
	const count = refs.length === 1 ? '1 secret ref' : `${refs.length} secret refs`;
	if (ok) return refs.length === 0 ? 'no secret ref is in use' : `loaded ${count}`;
	const failures = refs.filter(({failure}) => failure).length;
	const of = failures > 0 ? [`${failures} of ${count} ${failures === 1 ? 'does' : 'do'} not resolve`] : [];
	return [...of, ...problems.map(({message}) => message.replace(/\.$/, ''))].join('; ');
}

/** What kept the secrets from being loaded, in one line: each ref with the reason. */
export function faultWords(report: SecretsReport): string {
	const faults = report.refs.flatMap(({ref, usedBy, failure}) => {
		const users = usedBy.map(({agentId, profileId}) => `${profileId} of ${agentId}`).join(', ');
		return failure ? [`${refKey(ref)} (${users}): ${failure.message}`] : [];
	});
	return [...faults, ...report.problems.map(({message}) => message.replace(/\.$/, ''))].join('; ');
}

/** The error of secrets that could not be loaded. */
export function secretsUnresolved(report: SecretsReport): JarvisError {
	return new JarvisError(
		'secrets_unresolved',
		`The secrets could not be loaded. ${faultWords(report)}.`,
		'Mend that, and look again: jarvis secrets reload',
		{details: {report}},
	);
}
