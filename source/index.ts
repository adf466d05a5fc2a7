/// <reference types="node" preserve="true" />

/**
 * What `import … from 'jarvis-auth'` gives (docs/library.md): the core that the dashboard and the commands
 * are made over, the errors that it throws, and the types of what it takes and gives. What is not named
 * here is no part of the library and may change.
 */

export type {ConcernEvent, ConcernLevel, WatchEvent, Watched} from './auth/concerns.ts';
export type {MaskedSecret, ProfileFacts} from './auth/facts.ts';
export type {GitAnswer, GitAsked, GitRequest} from './auth/git-credential.ts';
export type {ChosenVariable, HandedOut, HandOut, HandOutRequest} from './auth/hand-out.ts';
export type {FoundLogin, FoundLogins} from './auth/import/find.ts';
export type {ImportHow, ImportState} from './auth/import/judge.ts';
export type {TakenLogin, TakeRequest} from './auth/import/take.ts';
export type {
	BrowserState,
	Login,
	LoginOutcome,
	LoginResult,
	LoginState,
	WaitingState,
} from './auth/login/contract.ts';
export type {PluginFacts} from './auth/plugins.ts';
export type {
	AuthMethod,
	Choice,
	CodeMethod,
	DeviceCode,
	DeviceCodeMethod,
	GitAccess,
	IssuedCredential,
	IssuedKey,
	IssuedOAuth,
	IssuedToken,
	LoginIo,
	MethodName,
	OAuthClient,
	OAuthMethod,
	PluginProvider,
	ProbeRequest,
	Provider,
	ProviderFailure,
	ProviderIo,
	Question,
	RedirectRequest,
	SecretForm,
	SecretMethod,
} from './auth/providers/contract.ts';
export type {ClearedCooldown} from './auth/report.ts';
export type {PassedOver, Resolved, ResolveRequest} from './auth/resolve.ts';
export type {ListedBinding} from './auth/routing/bindings.ts';
export type {ModelOrigin} from './auth/routing/decision.ts';
export type {OrderPlace, OrderSource, Pin, PlaceReason} from './auth/routing/order.ts';
export type {Failure, FailureReason, Success} from './auth/routing/rotation.ts';
export type {RefFailure, RefFailureCode} from './auth/secrets/refs.ts';
export type {IgnoredRef, RefReport, SecretsReport} from './auth/secrets/runtime.ts';
export type {Look} from './auth/secrets/secrets.ts';
export type {SessionFacts} from './auth/session-facts.ts';
export type {AgentSnapshot, Snapshot, SnapshotWishes} from './auth/snapshot.ts';
export type {Which, WhichCandidate, WhichOption} from './auth/which.ts';
export type {SwitchedOn, WriteBackFacts} from './auth/write-back.ts';
export type {
	BrokerClient,
	BrokerFacts,
	BrokerStatus,
	ClientHandOut,
} from './broker/contract.ts';
export type {Broker, BrokerOptions} from './broker/server.ts';
export {
	type Jarvis,
	type JarvisOptions,
	type LoginRequest,
	openJarvis,
	type ProviderListing,
	type UsedProfile,
	type WriteBackRequest,
} from './core.ts';
export type {Finding, FindingId, Mend, Severity} from './doctor/findings.ts';
export type {Machine} from './doctor/subject.ts';
export {asJarvisError, type ErrorCode, errorTable, JarvisError} from './errors.ts';
export type {PlannedRenewal} from './staying/renewals.ts';
export type {NewAgent} from './store/agents.ts';
export type {AuditEvent, AuditSubject} from './store/audit-log.ts';
export type {AuditFilter, AuditFollower, LoggedEntry} from './store/audit-reader.ts';
export type {AgentConfig, Config, CooldownConfig, EndpointOverride, ModelConfig} from './store/config.ts';
export type {StatePaths} from './store/paths.ts';
export type {
	CredentialKind,
	EntryProblem,
	Expires,
	Link,
	OAuthCredential,
	SecretRef,
	SecretSource,
	UsageStats,
} from './store/schema.ts';
export type {PinSource, Session} from './store/sessions.ts';
export type {StopReason, WriteBack} from './store/write-back.ts';
export type {RefreshResult} from './watch/refreshes.ts';
export type {Watch, WatchLook, WatchOptions} from './watch/watcher.ts';
