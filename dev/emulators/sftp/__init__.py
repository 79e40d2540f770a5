EXPORTS = "/d365_loads/exports"  # Adobe Campaign Standard documentation, "Self-service app settings"
