import {existsSync} from 'node:fs';
import {clean} from '../auth/facts.ts';
import {listPlugins} from '../auth/plugins.ts';
import {providerFlag} from '../auth/profile-commands.ts';
import {providerNamed} from '../auth/providers/registry.ts';
import {listBindings} from '../auth/routing/bindings.ts';
import {namedModel} from '../auth/routing/decision.ts';
import {refKey} from '../auth/secrets/refs.ts';
import {type ModelConfig, readConfigFile} from '../store/config.ts';
import {type ConfigFault, configFaults} from '../store/config-faults.ts';
import {isAgentId} from '../store/paths.ts';
import {ensurePrivateFolder} from '../store/write.ts';
import {type Finding, finding} from './findings.ts';
import type {Subject} from './subject.ts';

/** What `jarvis.json` says that means nothing. */
export async function checkConfig({
	config,
	paths,
	agentIds,
	refFailures,
	providers,
}: Subject): Promise<Finding[]> {
	const wrongIds = config.agents.filter(({id}) => !isAgentId(id));
	const strangers = [...config.order].flatMap(([provider, ids]) =>
		ids
			.filter(id => !id.startsWith(`${providerNamed(providers, provider)?.id ?? provider}:`))
			.map(id => ({provider, id})),
	);
	// One that cannot be read is a finding of its own.
	const document = await readConfigFile(paths.config).catch(() => ({}));
	return [
		...[...configFaults(document), ...modelFaults(config.models)].map(({path, expected}) =>
			finding('config_ignored', {
				where: `${paths.config}, ${path}`,
				what: `It is not ${expected}, and left out of use.`,
				next: 'Mend it in an editor: docs/files.md has the form.',
			}),
		),
		...wrongIds.map(({id, index}) =>
			finding('config_fault', {
				where: `${paths.config}, agents.list[${index}]`,
				what: `${JSON.stringify(id)} cannot be an agent’s id: the entry is of no use.`,
				next: 'Mend it in an editor: up to 64 lower-case letters, digits, "-" and "_".',
			}),
		),
		...strangers.map(({provider, id}) =>
			finding('config_fault', {
				where: `${paths.config}, auth.order.${provider}`,
				what: `${id} is of another provider: it is never used there.`,
				next: `jarvis models auth order get ${providerFlag(provider)}`,
			}),
		),
		...config.agents
			.filter(({id}) => isAgentId(id) && !existsSync(paths.agent(id)))
			.map(({id}) =>
				finding('agent_without_folder', {
					where: paths.agent(id),
					what: `jarvis.json lists the agent ${id}, and its folder is not there.`,
					next: 'jarvis doctor --fix',
					mend: {what: 'make it', asks: false, run: () => ensurePrivateFolder(paths.agentCredentials(id))},
				}),
			),
		...[...config.apiKeys].flatMap(([provider, {keyRef}]) => {
			const failure = keyRef && refFailures.get(refKey(keyRef));
			if (!failure) return [];
			return [
				finding('profile_unusable', {
					where: `${paths.config}, models.providers.${provider}.apiKey`,
					what: `Its secret ref does not resolve here: ${failure.message}.`,
					next: 'jarvis secrets reload',
				}),
			];
		}),
		...listBindings(config, agentIds).flatMap(({index, problem}) =>
			problem === undefined
				? []
				: [
						finding('binding_out', {
							where: `${paths.config}, bindings[${index}]`,
							what: `It is out of use: ${problem}.`,
							next: 'jarvis agents bindings',
						}),
					],
		),
	];
}

/** The primary model and the fallbacks that name no provider, and no alias either. */
function modelFaults(models: ModelConfig): ConfigFault[] {
	const isWrong = (ref: string) => namedModel(ref, models) === undefined;
	const at = 'agents.defaults.model';
	const expected = 'provider/model or an alias';
	return [
		...(models.primary !== undefined && isWrong(models.primary) ? [{path: `${at}.primary`, expected}] : []),
		...models.fallbacks.filter(isWrong).map(ref => ({
			path: `${at}.fallbacks, ${JSON.stringify(clean(ref))}`,
			expected,
		})),
	];
}

/** Plugins that are out of use. */
export function checkPlugins({paths}: Subject): Finding[] {
	return listPlugins(paths).flatMap(({id, from, problem}) =>
		problem === undefined
			? []
			: [
					finding('plugin_out', {
						where: from,
						what: `The plugin ${id} is out of use: ${problem.replace(/\.$/, '')}.`,
						next: `jarvis plugins remove ${id}`,
					}),
				],
	);
}
