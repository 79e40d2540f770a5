EXPORTS = (  # Adobe Campaign Standard documentation, "Self-service app settings"
    "/d365_loads/exports"
)
