/** VS Code as quiet as it gets: no welcome, no tips, no chat, nothing that moves in a screenshot. */
export const EDITOR_SETTINGS: Readonly<Record<string, unknown>> = {
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.reduceMotion": "on",
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.layoutControl.enabled": false,
  "window.commandCenter": false,
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "extensions.ignoreRecommendations": true,
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "update.mode": "none",
  // The editor in a browser would save by itself after a second.
  "files.autoSave": "off",
  "editor.minimap.enabled": false,
  "editor.stickyScroll.enabled": false,
  "explorer.compactFolders": false,
  "chat.disableAIFeatures": true,
  // Each engine's and browser's port would be announced.
  "remote.autoForwardPorts": false,
  "git.openRepositoryInParentFolders": "never",
  // The DOM renderer works without a GPU.
  "terminal.integrated.gpuAcceleration": "off",
  "terminal.integrated.initialHint": false,
};
